h = spawn on w
k = f(x) on w
