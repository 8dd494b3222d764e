def main(w):
    h = spawn work(1) on w
    k: circuit.Future[int] = spawn work(
        2,
    ) on w
    last = \
        spawn work(3) on w
    _kept = spawn work(4) on w
    known = spawn work(5) on w  # circuit: ignore[S015, S014]
    inside = (spawn work(6) on w)
