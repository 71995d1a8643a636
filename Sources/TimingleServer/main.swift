// The entry point comes with the process.
