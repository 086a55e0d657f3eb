"""Tables and images: read, understood, divided and encoded. Imports polars, so import it where it is used."""
