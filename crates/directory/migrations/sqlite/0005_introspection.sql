-- Whether a client may introspect tokens of other clients, as a resource server does. Those that are
-- there already may not: an operator adds such a client anew.
ALTER TABLE clients ADD COLUMN introspects INTEGER NOT NULL DEFAULT 0 CHECK (introspects IN (0, 1));
