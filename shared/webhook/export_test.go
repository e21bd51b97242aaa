package webhook

// What the tests of other forms of the same look at.
var (
	ErrForbidden = errForbidden
	MayDial      = mayDial
)
