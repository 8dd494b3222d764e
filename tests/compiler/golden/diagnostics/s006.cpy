def numbers(w):
    yield spawn 1 + (yield) on w
    h = spawn [(yield from numbers(w)), lambda: (yield)] on w
    k = spawn yield h on w
    return spawn f((yield h)) on w
