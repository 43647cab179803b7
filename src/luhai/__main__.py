from luhai.config.cli import main

main()
