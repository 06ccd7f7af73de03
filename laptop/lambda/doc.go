// Package lambda is AWS Lambda on this machine: an execution environment is an operating-system
// process behind its own Runtime API and Extensions API, and the service speaks Lambda's wire API.
//
//	svc, err := lambda.Open(lambda.Config{Dir: dir})
//	…
//	_, err = svc.CreateFunction(ctx, lambda.FunctionInput{
//		Name: "hello", Runtime: "provided.al2023", Handler: "HelloWorld", Role: role,
//		Code: lambda.Code{ZipFile: zip}, // with an executable named bootstrap at its root
//	})
//	out, err := svc.Invoke(ctx, lambda.InvokeInput{Function: "hello", Payload: []byte(`{}`)})
//	…
//	err = svc.Close(ctx) // no process is left
//
// # The life of an execution environment
//
//	           first next of the runtime            response         next of the runtime
//	           and of every extension               goes out         and of every extension
//	start ──init──► idle, frozen ──event, thawed──► busy ──finishing──► idle, frozen ──► …
//	  │                  │                            │         │
//	  └ init error,      └ unused for IdleTimeout,    └ timeout, exit of the runtime:
//	    10 s                or its code is old          the environment is gone
//
// A request takes the idle environment that was used last, so that the others stay idle and are
// reaped. One that finds none idle starts another and takes whichever is ready first: that one,
// or one that has just become idle. An environment that has answered its caller and is still
// finishing (its extensions at work) takes no request, but does not count as concurrency either.
//
// External extensions are processes of the environment, started before the runtime, frozen and thawed
// with it and ended after it. What an environment does and says goes to its log, and to the extensions
// that have subscribed to its telemetry.
//
// The life cycle follows https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html,
// the Runtime API https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html and the Extensions
// API https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html.
package lambda
