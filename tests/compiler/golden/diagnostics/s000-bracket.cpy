h = spawn f(x on w
