module ottla.compat/driver

go 1.24.0
