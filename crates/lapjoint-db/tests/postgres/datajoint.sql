-- What datajoint 2.3.5 sends to PostgreSQL to declare the tables of this test; statements are separated by empty lines.

CREATE TYPE "{schema}"."enum_e54fc739" AS ENUM ('M', 'F', 'U')

CREATE TABLE IF NOT EXISTS "{schema}"."subject" (
"subject_id" integer NOT NULL,
"code" varchar(12) NOT NULL,
"name" varchar(20) NOT NULL DEFAULT 'x',
"sex" "{schema}"."enum_e54fc739" NOT NULL DEFAULT 'F',
"weight" numeric(6,2) NOT NULL DEFAULT '1.5',
"born" date DEFAULT NULL,
"made" timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
"precise" timestamp(3) NOT NULL,
"flag" boolean NOT NULL DEFAULT '1',
"ratio" double precision NOT NULL,
"r4" real NOT NULL,
"i8" smallint NOT NULL,
"i16" smallint NOT NULL DEFAULT '5',
"i64" bigint NOT NULL,
"c" char(4) NOT NULL,
"j" jsonb DEFAULT NULL,
"u" uuid NOT NULL,
"b" bytea NOT NULL,
"bb" bytea DEFAULT NULL,
"nat" smallint NOT NULL,
"nat2" serial NOT NULL,
"nat3" numeric(5,2) NOT NULL,
"nat4" time NOT NULL,
"nat5" text DEFAULT NULL,
PRIMARY KEY ("subject_id", "code")
)

CREATE INDEX "idx_subject_name_weight" ON "{schema}"."subject" ("name", "weight")

CREATE UNIQUE INDEX "idx_subject_ratio" ON "{schema}"."subject" ("ratio")

COMMENT ON TABLE "{schema}"."subject" IS 'subjects it''s "quoted"'

COMMENT ON COLUMN "{schema}"."subject"."subject_id" IS ':int32:the id'

COMMENT ON COLUMN "{schema}"."subject"."code" IS ':varchar(12):'

COMMENT ON COLUMN "{schema}"."subject"."name" IS ':varchar(20):it''s a name'

COMMENT ON COLUMN "{schema}"."subject"."sex" IS ':enum("M","F","U"):sex'

COMMENT ON COLUMN "{schema}"."subject"."weight" IS ':decimal(6,2):'

COMMENT ON COLUMN "{schema}"."subject"."born" IS ':date:'

COMMENT ON COLUMN "{schema}"."subject"."made" IS ':datetime:'

COMMENT ON COLUMN "{schema}"."subject"."precise" IS ':datetime(3):'

COMMENT ON COLUMN "{schema}"."subject"."flag" IS ':bool:'

COMMENT ON COLUMN "{schema}"."subject"."ratio" IS ':float64:'

COMMENT ON COLUMN "{schema}"."subject"."r4" IS ':float32:'

COMMENT ON COLUMN "{schema}"."subject"."i8" IS ':int8:'

COMMENT ON COLUMN "{schema}"."subject"."i16" IS ':int16:'

COMMENT ON COLUMN "{schema}"."subject"."i64" IS ':int64:'

COMMENT ON COLUMN "{schema}"."subject"."c" IS ':char(4):'

COMMENT ON COLUMN "{schema}"."subject"."j" IS ':json:'

COMMENT ON COLUMN "{schema}"."subject"."u" IS ':uuid:'

COMMENT ON COLUMN "{schema}"."subject"."b" IS ':bytes:'

COMMENT ON COLUMN "{schema}"."subject"."bb" IS ':<blob>:'

COMMENT ON COLUMN "{schema}"."subject"."nat5" IS 'some text'

CREATE TABLE IF NOT EXISTS "{schema}"."~lineage" (
"table_name" VARCHAR(64) NOT NULL,
"attribute_name" VARCHAR(64) NOT NULL,
"lineage" VARCHAR(255) NOT NULL,
PRIMARY KEY ("table_name", "attribute_name")
)

CREATE TABLE IF NOT EXISTS "{schema}"."session" (
"subject_id" integer NOT NULL,
"code" varchar(12) NOT NULL,
"session" smallint NOT NULL,
"other_id" integer,
"other_code" varchar(12),
"third_id" integer NOT NULL,
"third_code" varchar(12) NOT NULL,
"kind" "{schema}"."enum_e54fc739" NOT NULL,
PRIMARY KEY ("subject_id", "code", "session"),
FOREIGN KEY ("subject_id", "code") REFERENCES "{schema}"."subject" ("subject_id", "code") ON UPDATE CASCADE ON DELETE RESTRICT,
FOREIGN KEY ("other_id", "other_code") REFERENCES "{schema}"."subject" ("subject_id", "code") ON UPDATE CASCADE ON DELETE RESTRICT,
FOREIGN KEY ("third_id", "third_code") REFERENCES "{schema}"."subject" ("subject_id", "code") ON UPDATE CASCADE ON DELETE RESTRICT
)

CREATE UNIQUE INDEX "idx_session_third_id_third_code" ON "{schema}"."session" ("third_id", "third_code")

CREATE INDEX "idx_session_other_id_other_code" ON "{schema}"."session" ("other_id", "other_code")

COMMENT ON TABLE "{schema}"."session" IS ''

COMMENT ON COLUMN "{schema}"."session"."session" IS ':int16:'

COMMENT ON COLUMN "{schema}"."session"."kind" IS ':enum("F","M","U"):'

CREATE TYPE "{schema}"."enum_dbf08e00" AS ENUM ('a', 'b')

CREATE TABLE IF NOT EXISTS "{schema}"."#only" (
"kind" "{schema}"."enum_dbf08e00" NOT NULL,
PRIMARY KEY ("kind")
)

COMMENT ON TABLE "{schema}"."#only" IS ''

COMMENT ON COLUMN "{schema}"."#only"."kind" IS ':enum(''a'',''b''):'

CREATE TABLE IF NOT EXISTS "{schema}"."__ref" (
"kind" "{schema}"."enum_dbf08e00" NOT NULL,
"subject_id" integer NOT NULL,
"code" varchar(12) NOT NULL,
"session" smallint NOT NULL,
"x" double precision DEFAULT NULL,
PRIMARY KEY ("kind"),
FOREIGN KEY ("kind") REFERENCES "{schema}"."#only" ("kind") ON UPDATE CASCADE ON DELETE RESTRICT,
FOREIGN KEY ("subject_id", "code", "session") REFERENCES "{schema}"."session" ("subject_id", "code", "session") ON UPDATE CASCADE ON DELETE RESTRICT
)

CREATE INDEX "idx___ref_subject_id_code_session" ON "{schema}"."__ref" ("subject_id", "code", "session")

COMMENT ON TABLE "{schema}"."__ref" IS ''

COMMENT ON COLUMN "{schema}"."__ref"."x" IS ':float64:'

CREATE TABLE IF NOT EXISTS "{schema}"."__ref__part" (
"kind" "{schema}"."enum_dbf08e00" NOT NULL,
"n" integer NOT NULL,
PRIMARY KEY ("kind", "n"),
FOREIGN KEY ("kind") REFERENCES "{schema}"."__ref" ("kind") ON UPDATE CASCADE ON DELETE RESTRICT
)

COMMENT ON TABLE "{schema}"."__ref__part" IS ''

COMMENT ON COLUMN "{schema}"."__ref__part"."n" IS ':int32:'

CREATE TABLE IF NOT EXISTS "{schema}"."single" (
"v" integer NOT NULL DEFAULT '0',
"_singleton" boolean NOT NULL DEFAULT '1',
PRIMARY KEY ("_singleton")
)

COMMENT ON TABLE "{schema}"."single" IS ''

COMMENT ON COLUMN "{schema}"."single"."v" IS ':int32:'

COMMENT ON COLUMN "{schema}"."single"."_singleton" IS ':bool:singleton primary key'
