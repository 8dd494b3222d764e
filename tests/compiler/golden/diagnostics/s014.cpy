def main(items, w):
    total = 0
    for item in items:
        total += (spawn area(item) on w).result()
    while items:
        h = spawn area(items.pop()) on w
        note("started")
        with timer():
            print(h.result(timeout=3))
    areas = [(spawn area(item) on w).result() for item in items]
    return total, areas, sum((spawn area(item) on w).result()
                             for item in items)
