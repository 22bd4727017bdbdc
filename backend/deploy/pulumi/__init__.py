"""All that Lightning needs on Azure, as a Pulumi program: `make deploy STACK=dev`."""
