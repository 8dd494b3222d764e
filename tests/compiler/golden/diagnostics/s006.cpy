def numbers(w):
    h = spawn 1 + (yield) on w
    k = spawn [(yield from h), lambda: (yield)] on w
    return spawn f((yield h)) on w
