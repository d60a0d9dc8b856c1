"""`python -m bot` is `isp-coach`."""

from bot.cli import main

if __name__ == "__main__":
    main()
