"""The one-machine stack behind `./whetstone up`: Postgres, Valkey and our own processes, started and kept alive."""
