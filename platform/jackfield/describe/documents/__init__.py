"""AsyncAPI, OpenAPI, Postman collections and the reference, made from the contract."""
