"""Users and groups by SCIM 2.0 (RFC 7643, 7644). The protocol is the library's; here is what its words mean to us.

Importing this takes half a second, so that only those do who are asked by SCIM.
"""
