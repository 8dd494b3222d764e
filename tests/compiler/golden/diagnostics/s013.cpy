from collections import deque

found: list[int] = []
queue = deque(maxlen=3)


def main(w, n):
    spawn found.append(n) on w
    h = spawn found.sort() on w
    seen = {n}
    return h, spawn [seen.add(i) or queue.popleft() for i in range(n)] on w
