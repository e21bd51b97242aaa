package books

// Small makes all that is large small, so that tests get to the second table of contents, the index, and the second part
// of a volume. It returns how to undo it.
func Small() (undo func()) {
	tables, from, every, size := listed, indexFrom, indexEvery, partSize
	listed, indexFrom, indexEvery, partSize = 3, 2, 2, 16<<10
	return func() { listed, indexFrom, indexEvery, partSize = tables, from, every, size }
}
