h = spawn f(x)
