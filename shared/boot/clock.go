package boot

import (
	"os"

	"billingcentre/shared/clock"
)

// Now is the functions' clock. CLOCK_FILE, which only the local stack sets, lets it run ahead.
var Now = clock.Of(os.Getenv("CLOCK_FILE"))
