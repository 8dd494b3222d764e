"""Three calls on two other processes: two are asked for their results, one fails unheard."""

import math
import os


def square_root(x):
    print("working on", x)
    return math.sqrt(x), os.getpid()


one = spawn square_root(1) on "w1"
two = spawn square_root(2) on "w2"
print(one.result())
print(two.result())

spawn square_root(-1) on "w1"
