package main

import "context"

func importFile(ctx context.Context, args []string) error { return nil }
