é = 1; return spawn f(é) on w
