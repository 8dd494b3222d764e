def main(x, code, w):
    h = spawn locals() on w
    k = spawn vars()["x"] + len(dir()) + globals()["y"] on w
    spawn eval("x + 1") on w
    spawn exec(code) on w
    return h, k, spawn (eval("1 + 1"), vars(x)) on w
