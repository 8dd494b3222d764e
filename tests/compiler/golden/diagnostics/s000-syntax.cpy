def main():
    h = spawn f(x) on w
    return h +
