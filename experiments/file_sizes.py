"""Rules: how the size of a file is written. No database, no Django."""

_SIZES = ("B", "kB", "MB", "GB", "TB", "PB")


def file_size(size: int) -> str:
    """Write a number of bytes in decimal units (1 kB = 1000 B, SI), with three significant digits."""
    value, unit = float(size), 0
    # 999.5 would be written "1000": go on to the next unit before it comes to that.
    while abs(value) >= 999.5 and unit < len(_SIZES) - 1:
        value, unit = value / 1000, unit + 1
    decimals = 0 if unit == 0 or abs(value) >= 99.95 else 1 if abs(value) >= 9.995 else 2
    return f"{value:.{decimals}f} {_SIZES[unit]}"
