"""The parts of the benchmark, each a function of the stage; ``make bench ONLY=...`` names them."""
