class Table:
    size = 3
    rows = spawn [size, [size for _ in range(size)], lambda size: size] on w
    cells = spawn max(1, size) + (lambda: size)() on w
