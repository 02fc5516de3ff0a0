// Package frommocks has tests as public repositories have them, on LocalStack,
// ElasticMQ and moto, written anew on memcloud: see docs/testing.md. Each file
// of tests has a program of that kind and stands for one repository.
package frommocks
