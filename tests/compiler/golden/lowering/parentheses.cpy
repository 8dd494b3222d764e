"""Parentheses that say nothing go, others stay."""
spawn (f(x)) on w
spawn ((f)(x)) on w
spawn ( f ( x, ) ) on (w)
spawn (f or g)(x) on (ws[0])
spawn f(x)(y) on ( (w) )
spawn (a + b) on w
spawn (a, b) on (w, v)[0]
spawn () on (w if a else v)
spawn (x for x in xs)(y) on (w)(v)
spawn (lambda x: x) on w
spawn (lambda: x)() on w
spawn ((a)) + (b) on w
spawn (f
)(x) on (w
)
