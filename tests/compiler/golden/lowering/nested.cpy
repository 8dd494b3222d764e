import os
h = spawn spawn f() on a on b
k = spawn f(spawn g(1) on a, k=[spawn g(x) on b for x in xs]) on (spawn place() on c)
m = spawn (spawn f() on a).result() + 1 on b
