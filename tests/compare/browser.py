"""A real Chromium without a window."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from selenium import webdriver

from tests.conftest import NO_BROWSER


@contextmanager
def chromium() -> Iterator[webdriver.Chrome]:
    """Give a browser; skip, loudly, where none is installed."""
    programs = [shutil.which(name) for name in ("chromium", "chromedriver")]
    if None in programs:
        pytest.skip(f"{NO_BROWSER}: chromium and chromedriver are not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = programs[0]
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        for word in (
            *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
            *("--window-size=1200,900", f"--user-data-dir={profile}"),
        ):
            options.add_argument(word)
        driver = webdriver.Chrome(
            options=options, service=webdriver.ChromeService(executable_path=programs[1])
        )
        try:
            yield driver
        finally:
            driver.quit()


def load(driver: webdriver.Chrome, page: Path, *, dark: bool = False, phone: bool = False) -> None:
    """Open a page, anew."""
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
    if phone:
        size = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    else:
        driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    driver.get_log("browser")
    driver.get("about:blank")
    driver.get(page.as_uri())
