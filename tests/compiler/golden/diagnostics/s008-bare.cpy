spawn total := add(1, 2) on w
