"""Where users' own programs run: forked children that hold nothing, reach nothing and end in time.

`supervisor` is what the rest of the application uses. It starts a `zygote`, a Python process that has loaded what
programs may want and has given up everything else (`confinement`); the zygote forks a `child` for each request, which
puts itself under a filter of system calls (`seccomp`) before it reads what it is to do. `selftest` tries to break out,
at start: one success, and nothing is run. What this stops, and what it does not, stands in docs/security/sandbox.md.
"""
