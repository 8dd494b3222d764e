spawn work on w
h = spawn (work) on circuit.worker("gpu")
spawn work on w  # circuit: ignore[S010]
