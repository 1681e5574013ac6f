// Package mesh makes a snapshot from the national check ("Check for National Data Opt-outs"), for
// organisations that hold no list of who has opted out.
//
// The check goes over MESH, the message exchange of NHS England. An organisation sends the NHS
// numbers that it means to disclose. It gets the same list back without those who opted out. So a
// number that was sent and did not come back has opted out:
//
//	var numbers mesh.Numbers           // filled while datasets are read
//	request, err := mesh.NewRequest(…) // parts of the list, each a message
//	…
//	answers, err := mesh.ReadAnswers(…)
//	sets, err := request.Collect(answers, mesh.Rules{…})
//
// A folder holds the request: the parts as .dat files, and request.json, which has no number in it.
// The package opens no socket and knows no flag. mesh/control is the control files of the MESH
// client, mesh/api the MESH API.
//
// No error holds an NHS number.
package mesh
