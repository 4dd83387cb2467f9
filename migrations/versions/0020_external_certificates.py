"""External certificates as evidence, and completions that end by their own words."""

import sqlalchemy as sa
from alembic import op
from plugin.core.base import Json, UTCDateTime
revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.add_column('completion', sa.Column('valid_until_on', sa.Date(), nullable=True))
    op.create_table('submitted_certificate',
    sa.Column('id', ID, nullable=False),
    sa.Column('organization_id', ID, nullable=False),
    sa.Column('person_id', ID, nullable=False),
    sa.Column('module_id', ID, nullable=False),
    sa.Column('run_id', ID, nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('issuer', sa.Text(), nullable=False),
    sa.Column('issued_on', sa.Date(), nullable=False),
    sa.Column('ends_on', sa.Date(), nullable=True),
    sa.Column('file', Json, nullable=False),
    sa.Column('state', sa.String(length=40), nullable=False),
    sa.Column('submitted_at', UTCDateTime(), nullable=False),
    sa.Column('decided_at', UTCDateTime(), nullable=True),
    sa.Column('decided_by', ID, nullable=True),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('completion_id', ID, nullable=True),
    sa.CheckConstraint('decided_by IS NULL OR decided_by <> person_id', name=op.f('ck_submitted_certificate_never_by_oneself')),
    sa.ForeignKeyConstraint(['completion_id'], ['completion.id'], name=op.f('fk_submitted_certificate_completion_id_completion')),
    sa.ForeignKeyConstraint(['decided_by'], ['person.id'], name=op.f('fk_submitted_certificate_decided_by_person')),
    sa.ForeignKeyConstraint(['module_id'], ['module.id'], name=op.f('fk_submitted_certificate_module_id_module')),
    sa.ForeignKeyConstraint(['organization_id'], ['organization.id'], name=op.f('fk_submitted_certificate_organization_id_organization')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_submitted_certificate_person_id_person')),
    sa.ForeignKeyConstraint(['run_id'], ['run.id'], name=op.f('fk_submitted_certificate_run_id_run')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_submitted_certificate'))
    )
    with op.batch_alter_table('submitted_certificate', schema=None) as batch_op:
        batch_op.create_index('ix_submitted_certificate_organization_id_state', ['organization_id', 'state', 'submitted_at'], unique=False)
        batch_op.create_index('uq_submitted_certificate_waiting', ['run_id'], unique=True, sqlite_where=sa.text("state = 'waiting'"), postgresql_where=sa.text("state = 'waiting'"))


def downgrade() -> None:
    op.drop_table('submitted_certificate')
    with op.batch_alter_table('completion', schema=None) as batch_op:
        batch_op.drop_column('valid_until_on')
