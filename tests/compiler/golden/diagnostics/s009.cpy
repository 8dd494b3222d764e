h = spawn *values on w
