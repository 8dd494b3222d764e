h = spawn on w
k = f(x) on w
n = 1 + spawn f(x) on w
