package nhsnumber_test

import (
	"fmt"

	"noo/internal/nhsnumber"
)

// Parse reads a number in each form in which extracts have it.
func ExampleParse() {
	for _, text := range []string{"9434765919", "943 476 5919", `="9434765919"`, "9434765918", "943476591", "N/A"} {
		key, status := nhsnumber.Parse([]byte(text))
		switch status {
		case nhsnumber.Valid:
			fmt.Println(text, "is valid, with the key", key)
		case nhsnumber.Missing:
			fmt.Println(text, "is missing")
		default:
			fmt.Println(text, "is invalid")
		}
	}
	// Output:
	// 9434765919 is valid, with the key 943476591
	// 943 476 5919 is valid, with the key 943476591
	// ="9434765919" is valid, with the key 943476591
	// 9434765918 is invalid
	// 943476591 is invalid
	// N/A is missing
}
