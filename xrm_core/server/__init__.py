"""The Starlette application: routes, middleware, health, and the GraphiQL page."""
