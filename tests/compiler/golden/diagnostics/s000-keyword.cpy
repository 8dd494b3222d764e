total = spawn f(a=1, a=2) on w
