_circuit = 1
spawn f(_circuit) on w
