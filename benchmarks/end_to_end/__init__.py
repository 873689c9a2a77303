"""How long whole models take, and how much of it their transposed convolutions do."""
