"""Published figures as SDMX: the structures, the data, and the questions that a registry answers."""
