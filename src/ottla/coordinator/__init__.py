"""State machines replicated through internal topics."""
