"""A report, summed on a worker."""

xs = range(10)
w = "w1"
total = spawn sum(x*x for x in xs) on w
parts = spawn collect((x for x in xs), key=(
    x for x in xs)) on w
