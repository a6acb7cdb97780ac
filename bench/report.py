from bench.results import Results
from pathlib import Path
def write(results: Results) -> list[Path]:
    return []
