"""Parentheses around a call say nothing; others stay."""
spawn (f(x)) on w
spawn ((f)(x)) on w
spawn ( f ( x, ) ) on (w)
spawn (f or g)(x) on w
spawn f(x)(y) on w
spawn (a + b) on w
