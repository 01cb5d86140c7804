"""What every bus must do: one suite, run on each adapter."""
