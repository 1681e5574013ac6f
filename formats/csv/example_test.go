package csv_test

import (
	"context"
	"fmt"
	"log"
	"strings"

	"noo/formats"
	"noo/formats/csv"
)

// A text with semicolons is detected, opened, and its columns are listed.
func ExampleFormat() {
	text := "id;nhs_number;ward\n1;9995609649;A\n2;9434765919;B\n"
	ctx := context.Background()

	format, err := formats.Detect([]formats.Format{csv.Format{Delimiter: ";"}}, []byte(text), "extract.csv")
	if err != nil {
		log.Fatal(err)
	}
	dataset, err := format.Open(ctx, formats.Input{Name: "extract.csv", Reader: strings.NewReader(text)})
	if err != nil {
		log.Fatal(err)
	}
	defer dataset.Close()
	fmt.Println(format.Name())
	for i, column := range dataset.Columns() {
		fmt.Println(i+1, column.Name)
	}
	// Output:
	// csv
	// 1 id
	// 2 nhs_number
	// 3 ward
}
