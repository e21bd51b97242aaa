package books

// Small makes all that is large small, so that tests get to the second table of contents, the index, the second part of a
// volume, days of too many products, and volumes that are read in vain. It returns how to undo it.
func Small() (undo func()) {
	tables, from, every, size, products, runs := listed, indexFrom, indexEvery, partSize, maxProducts, maxRuns
	listed, indexFrom, indexEvery, partSize, maxProducts, maxRuns = 3, 2, 2, 16<<10, 4, 2
	return func() {
		listed, indexFrom, indexEvery, partSize, maxProducts, maxRuns = tables, from, every, size, products, runs
	}
}
